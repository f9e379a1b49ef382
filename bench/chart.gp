# The workloads beside the peers, from what `bench_table --chart FILE` writes:
#     gnuplot -e "data='chart.tsv'; picture='performance.svg'; batch=1024" bench/chart.gp
# Columns: work, batch, library, samples per second, how many times the best peer's.

set terminal svg size 940,430 font "DejaVu Sans,13" background "#ffffff"
set output picture
set datafile separator tab
set border 1 lc rgb "#444444"
set lmargin 28
set rmargin 30
set tmargin 1
set logscale x
set xrange [500:1e8]
set format x "10^{%L}"
set xlabel "samples per second, one core, batches of ".batch
set xtics nomirror
set grid x lc rgb "#dddddd" lt 1
set yrange [0.4:6.6]
set key outside right center samplen 0.5 spacing 1.3 width -2

line(work) = work eq "W1" ? 6 : work eq "W2" ? 5 : work eq "W3" ? 4 : work eq "W3s" ? 3 : work eq "W4" ? 2 : \
             work eq "W5" ? 1 : NaN
set ytics ("W1  IAF, D = 8: sample, score" 6, "W2  IAF, D = 64: sample, score" 5, "W3  MAF, D = 64: score" 4, \
           "W3s  MAF, D = 64: sample" 3, "W4  MAF: training step" 2, "W5  spline coupling: score" 1) scale 0

libraries = "bijou|jax|flowjax|onnxruntime|raw|sweep|jit|compile|pyro|zuko|nflows"
titles = "bijou|JAX|flowjax|ONNX Runtime|PyTorch|a sweep, by hand|TorchScript|torch.compile|Pyro|zuko|nflows"
part(list, i) = i == 1 ? list[1:strstrt(list."|", "|") - 1] : part(list[strstrt(list, "|") + 1:*], i - 1)
colours = "#d95319|#1f77b4|#6baed6|#2ca02c|#333333|#333333|#777777|#aaaaaa|#9467bd|#8c6d31|#e377c2"
shapes = "7|5|4|9|11|10|13|12|6|8|2"

# A one-pass inverse written by hand for a peer is a kind of its own: no library has it.
kind(library) = strstrt(library, " + sweep") ? "sweep" : library
at(work, size, library, wanted) = size == batch && kind(library) eq wanted ? line(work) : NaN

plot for [i = 1:11] data using 4:(at(strcol(1), $2, strcol(3), part(libraries, i))) \
       with points pt int(part(shapes, i)) ps (i == 1 ? 1.2 : 0.7) lc rgb part(colours, i) title part(titles, i), \
     data using 4:(at(strcol(1), $2, strcol(3), "bijou")):5 with labels left offset 1.2,0 tc rgb "#d95319" notitle
