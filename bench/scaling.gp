# How well processes share a training step, in parts of what as many alone would do: the model of docs/scaling.md with the
# costs that bench_scaling measured on one process, and its steps on one and two.
#     gnuplot -e "one='1.tsv'; two='2.tsv'; picture='docs/scaling.svg'" bench/scaling.gp
# Columns: what, workload, processes, parameters, samples of a process, median, least (microseconds).

set terminal svg size 940,400 font "DejaVu Sans,12" background "#ffffff"
set output picture
set datafile separator tab
set border 3 lc rgb "#444444"
set logscale x
set xtics nomirror
set ytics nomirror
set format x "10^{%L}"
set format y "%g %%"
set yrange [0:115]
set xrange [0.7:40000]
set grid lc rgb "#dddddd" lt 1
set xlabel "processes"
set samples 16 # a process more or less is no matter: powers of two

# The network: seconds a message, seconds a byte, seconds to add a byte. Assumed, not measured.
alpha = 2e-6; beta = 1 / 12.5e9; gamma = 1 / 10e9
rounds(p) = ceil(log(p) / log(2) - 1e-9)
sum(p, n) = p <= 1 ? 0 : doubling(p, n) < halving(p, n) ? doubling(p, n) : halving(p, n)
doubling(p, n) = rounds(p) * (alpha + n * (beta + gamma))
halving(p, n) = 2 * rounds(p) * alpha + (p - 1) / p * n * (2 * beta + gamma)

# A gradient of b samples: measured at 1, 64, 128 and 1,024; straight lines between and beyond.
line(b, b0, t0, b1, t1) = t0 + (t1 - t0) * (b - b0) / (b1 - b0)
gradient(b) = b < 64 ? line(b, 1, g1, 64, g64) : b < 128 ? line(b, 64, g64, 128, g128) : line(b, 128, g128, 1024, g1024)
step(b, p, n) = gradient(b) + optimizer + sum(p, n)
# Samples per second of each process, in percent of one process with batches of 1,024.
efficiency(b, p, n) = p < 1 || b < 1 ? NaN : 100 * b / step(b, p, n) / (1024 / step(1024, 1, n))

least(what, work, samples) = \
  sprintf("stats one every ::1 using (strcol(1) eq '%s' && strcol(2) eq '%s' && $5 == %d ? $7 * 1e-6 : NaN) nooutput", \
          what, work, samples)
at(wanted, samples) = strcol(1) eq "step" && strcol(2) eq wanted && $5 == samples ? \
                      100 * samples * 1e6 / $7 / (1024 / step(1024, 1, 0)) : NaN

set multiplot layout 1,2
do for [work in "W4 W6"] {
  eval least("gradient", work, 1);   g1 = STATS_min
  eval least("gradient", work, 64);  g64 = STATS_min
  eval least("gradient", work, 128); g128 = STATS_min
  eval least("gradient", work, 1024); g1024 = STATS_min
  eval least("optimizer", work, 0);  optimizer = STATS_min
  bytes = work eq "W4" ? 4 * 947840. : 4 * 7760.
  set title work eq "W4" ? "W4: D = 64, 947,840 parameters" : "W6: D = 10, 7,760 parameters"
  if (work eq "W4") { set ylabel "efficiency"; set key bottom left Left reverse samplen 2 spacing 1.2 } else { unset ylabel; unset key }
  plot sample [k=0:15] '+' using (2**$1):(efficiency(1024, 2**$1, bytes)) with lines lw 2 lc rgb "#1f77b4" title "1,024 samples each", \
       [k=0:15] '+' using (2**$1):(efficiency(128, 2**$1, bytes)) with lines lw 2 lc rgb "#2ca02c" title "128", \
       [k=0:15] '+' using (2**$1):(efficiency(64, 2**$1, bytes)) with lines lw 2 lc rgb "#9467bd" title "64", \
       [k=0:15] '+' using (2**$1):(efficiency(65536. / 2**$1, 2**$1, bytes)) with lines lw 2 lc rgb "#d95319" title "65,536 samples in all", \
       for [file in one." ".two] file every ::1 using 3:(at(work, 64)) with points pt 7 ps 0.8 lc rgb "#9467bd" notitle
}
unset multiplot
