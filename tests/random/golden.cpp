/// \file
/// Noise is a promise: seed, stream and sample number give these numbers, in every release.
///
/// The numbers with 20 digits are the documented formulas (random/normal.hpp, random/uniform.hpp)
/// in mpmath with 40 digits, on the words of a Philox4x32-10 written in Python. Across instruction
/// sets uniforms are the same bits; normals are the same bits on all that have fused multiply-adds
/// (AVX2, AVX-512, AArch64), and on SSE4.2 others in the last places: each has its checksum.

#include <bijou/random/normal.hpp>
#include <bijou/random/uniform.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

struct golden {
  std::uint64_t seed, stream, sample;
  std::array<double, 6> normals_float, normals_double, uniforms_float, uniforms_double;
};

const std::vector<golden> known{
    {42U,
     0,
     0U,
     {0.54883560667368274396, 0.82321997301999819724, -0.48670613465914540841,
      2.2341374138721322627, 3.0328268501167160029, 0.023817393735970080684},
     {-0.26208837951331433866, 1.2030705416286723298, -1.7405523924995498302, 1.0533100682926055217,
      -1.043803806707871589, 0.4662721793179619762},
     {0.61295992136001586914, 0.46858650445938110352, 0.073231756687164306641,
      0.34086149930953979492, 0.010058820247650146484, 0.12624984979629516602},
     {0.46858651833910502926, 0.34086154938517887469, 0.12624985422241941091,
      0.71161273779162825814, 0.52023842334710390656, 0.6918626254009122567}},
    {42U,
     0,
     1U,
     {-0.046637971408481377613, 0.15013225603177189525, 0.55153044938462010261,
      1.0135302219311409303, 1.3527678519660220824, -1.5058091931508557009},
     {0.71460989082402006723, 1.3132156353965418935, 0.10545340957483639392,
      0.077315845119850962726, -0.48240314731263554129, 0.12259026355083676517},
     {0.98771864175796508789, 0.32706338167190551758, 0.51390618085861206055,
      0.45431560277938842773, 0.12889963388442993164, 0.99148732423782348633},
     {0.32706338120338485087, 0.4543156017348882747, 0.99148735872677062897, 0.22568875739947802384,
      0.8834941712119858126, 0.66460672341375393035}},
    {42U,
     7,
     1099511627779U,
     {-1.9232538971779184169, 0.56066773721372752802, 0.14302214088536273514, 1.5891162301883913457,
      1.2517353497992798807, -0.13455424798224294272},
     {0.080201538661248925573, 0.89111596779739638139, 1.8985645475358316404,
      -0.92059370984073258212, -0.39633570078479956408, -0.29500922953601190834},
     {0.13444143533706665039, 0.67014580965042114258, 0.28002601861953735352,
      0.38928562402725219727, 0.4527238011360168457, 0.1079571843147277832},
     {0.67014580060132822315, 0.38928565226495870366, 0.10795723960099834482,
      0.053143744340873211307, 0.8850986098571024252, 0.52316152403647786517}},
    {9223372036854775813U,
     0,
     12U,
     {0.80323309603245714683, 2.1835481416539045104, -0.55672142635146779998,
      -0.88985864173109216436, -0.14147865406760993084, -1.3376087003972702498},
     {-0.68803183539514149902, -1.0997442852970249746, 0.39837227620145209797,
      -0.38349598153083174816, 1.7781791186233745046, -0.22800366287618982803},
     {0.066767871379852294922, 0.43110114336013793945, 0.5764344334602355957,
      0.78602415323257446289, 0.40470105409622192383, 0.85822862386703491211},
     {0.43110109820653874646, 0.78602419853593097354, 0.8582285676162458854,
      0.0030278121237704569424, 0.20049753549700277677, 0.10470340737091643479}}};

template <class T> std::array<T, 6> drawn(const golden& g, bool normal) {
  std::array<T, 6> z{};
  const philox noise(g.seed, g.stream);
  if (normal)
    fill_normal(noise, g.sample, std::span<T>(z));
  else
    fill_uniform(noise, g.sample, std::span<T>(z));
  return z;
}

/// FNV-1a of the bits.
template <class T> std::uint64_t checksum(const std::vector<T>& numbers) {
  std::uint64_t h = 1469598103934665603U;
  for (const T v : numbers) h = (h ^ std::bit_cast<simd::word<T>>(v)) * 1099511628211U;
  return h;
}

} // namespace

TEMPLATE_TEST_CASE("golden normals", "[golden]", float, double) {
  using T = TestType;
  for (const golden& g : known) {
    const auto z = drawn<T>(g, true);
    const auto& right = sizeof(T) == 4 ? g.normals_float : g.normals_double;
    for (std::size_t d = 0; d < z.size(); ++d) {
      CAPTURE(g.seed, g.stream, g.sample, d, z[d]);
      CHECK(std::abs(static_cast<double>(z[d]) - right[d]) <=
            4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::abs(right[d]));
    }
  }
}

TEMPLATE_TEST_CASE("golden uniforms", "[golden]", float, double) {
  using T = TestType;
  for (const golden& g : known) {
    const auto z = drawn<T>(g, false);
    const auto& right = sizeof(T) == 4 ? g.uniforms_float : g.uniforms_double;
    for (std::size_t d = 0; d < z.size(); ++d) {
      CAPTURE(g.seed, g.stream, g.sample, d);
      CHECK(static_cast<double>(z[d]) == right[d]);
    }
  }
}

TEMPLATE_TEST_CASE("golden bits of 65,536 normals", "[golden]", float, double) {
  using T = TestType;
  constexpr int D = 4, n = 1 << 14;
  std::vector<T> z(static_cast<std::size_t>(D * n));
  fill_normal(philox(7), 0, D, z.data(), n, n);
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
  CHECK(checksum(z) == (sizeof(T) == 4 ? 0x3a932708b707e0a3U : 0x554e0d936da97b78U));
#else
  CHECK(checksum(z) == (sizeof(T) == 4 ? 0xe3d0d7ca300b0767U : 0x95c102e9072f77afU));
#endif
}
