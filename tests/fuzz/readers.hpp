#pragma once
/// \file
/// What reads fuzzed files, compiled once for all targets: flows and a run, with the checks of what
/// they take and what they refuse.

#include <bijou/training/checkpoint.hpp>

#include <string>

#include "file.hpp"

namespace bijou::fuzz {

/// The text of the flow that files are loaded into.
std::string flow_text();
/// Loads into a float flow and a double one. True if either took it; aborts if what it took is not
/// what the file holds, or if a refusal changed anything.
bool load_into_flows(const io::safetensors& file);
/// Files of the two flows: `float` and `double` in the folder.
void save_flows(const std::string& folder);

/// Goes on with a run from there. True if it did.
bool resume_run(const training_state& state);
/// Checkpoints of the run after `epochs` epochs.
void save_run(const std::string& path, int epochs);

} // namespace bijou::fuzz
