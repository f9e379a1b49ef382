# The workloads beside the peers, from what `bench_table --chart FILE` writes:
#     gnuplot -e "data='chart.tsv'; picture='performance.svg'; batch=1024" bench/chart.gp
# Columns: work, batch, library, samples per second, how many times the best peer's.

set terminal svg size 860,400 font "DejaVu Sans,13" background "#ffffff"
set output picture
set datafile separator tab
set border 1 lc rgb "#444444"
set lmargin 28
set rmargin 8
set tmargin 2.5
set logscale x
set format x "10^{%L}"
set xlabel "samples per second, one core, batches of ".batch
set xtics nomirror
set grid x lc rgb "#dddddd" lt 1
set yrange [0.4:6.6]
set key at graph 0.99, graph 1.09 right horizontal samplen 1 spacing 1.2

line(work) = work eq "W1" ? 6 : work eq "W2" ? 5 : work eq "W3" ? 4 : work eq "W3s" ? 3 : work eq "W4" ? 2 : \
             work eq "W5" ? 1 : NaN
set ytics ("W1  IAF, D = 8: sample, score" 6, "W2  IAF, D = 64: sample, score" 5, "W3  MAF, D = 64: score" 4, \
           "W3s  MAF, D = 64: sample" 3, "W4  MAF: training step" 2, "W5  spline coupling: score" 1) scale 0

ours(library) = library eq "bijou"
at(column_batch, mine, wanted) = column_batch == batch && mine == wanted ? 1 : NaN

plot data using ($4 * at($2, ours(strcol(3)), 0)):(line(strcol(1))) with points pt 7 ps 0.7 lc rgb "#999999" title "Python libraries", \
     data using ($4 * at($2, ours(strcol(3)), 1)):(line(strcol(1))) with points pt 7 ps 1.2 lc rgb "#d95319" title "bijou", \
     data using ($4 * at($2, ours(strcol(3)), 1)):(line(strcol(1))):5 with labels left offset 1.2,0 tc rgb "#d95319" notitle
