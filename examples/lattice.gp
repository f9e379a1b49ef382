# A lattice field by two chains: gnuplot -c lattice.gp path/lattice picture.png sizes...
#
# path/lattice_<size>.txt, in blocks: progress of training; autocorrelation; distributions of the
# magnetisation; three configurations of the flow's chain, three of Hybrid Monte Carlo's.
set terminal pngcairo size 1500,1120 enhanced font 'Sans,17' background '#ffffff'
set output ARG2
last = ARGC == 4 ? ARG4 : ARG3
file(size) = ARG1.'_'.size.'.txt'

ink = '#30343a'
blue = '#1f5fa8'
orange = '#d9541e'
set border linecolor rgb ink
set tics nomirror out scale 0.6 textcolor rgb ink
set key textcolor rgb ink samplen 2.4 spacing 1.2

set multiplot
# Configurations.
set palette defined (-1 orange, -0.5 '#f0b08f', 0 '#ffffff', 0.5 '#8fb0d6', 1 blue)
set cbrange [-1:1]
set colorbox user origin screen 0.437, screen 0.575 size screen 0.011, screen 0.34
unset key
unset tics
set cbtics 0.5 textcolor rgb ink scale 0.4 offset -0.6, 0
set xrange [-0.5:last - 0.5]
set yrange [-0.5:last - 0.5]
do for [row=0:1] {
  do for [k=0:2] {
    set lmargin at screen 0.03 + 0.134 * k
    set rmargin at screen 0.03 + 0.134 * k + 0.126
    set tmargin at screen 0.925 - 0.21 * row
    set bmargin at screen 0.925 - 0.21 * row - 0.169
    unset label
    if (k == 0) {
      set label 1 (row == 0 ? 'Flow, {/Sans:Italic L} = '.last : 'Hybrid Monte Carlo') \
          at graph 0, 1.11 textcolor rgb (row == 0 ? orange : blue)
      if (row == 0) { set label 2 '{/Sans:Italic φ}' at graph 3.34, 1.08 textcolor rgb ink }
    }
    plot file(last) index 3 + 3 * row + k matrix with image
    unset colorbox
  }
}
unset label

# Distributions of the magnetisation.
set lmargin at screen 0.575
set rmargin at screen 0.97
set tmargin at screen 0.925
set bmargin at screen 0.59
set border 3
set xrange [-0.6:0.6]
set yrange [0:3.2]
set xtics 0.2 nomirror
set ytics 1 nomirror
set xlabel 'magnetisation {/Sans:Italic m}' textcolor rgb ink
set ylabel 'density' textcolor rgb ink
set key top right
set label 1 sprintf('{/Sans:Italic L} = %s', last) at graph 0.04, 0.95 textcolor rgb ink
set style fill solid 0.25 noborder
plot file(last) index 2 using 1:4 with boxes linecolor rgb blue title 'Hybrid Monte Carlo', \
    '' index 2 using 1:3 with histeps linewidth 2 linecolor rgb orange title 'flow, accepted', \
    '' index 2 using 1:2 with histeps dashtype (6,4) linewidth 1.5 linecolor rgb ink title 'flow, proposed'
unset label

# Autocorrelation of V m^2.
set lmargin at screen 0.075
set rmargin at screen 0.485
set tmargin at screen 0.41
set bmargin at screen 0.08
set xrange [0:16]
set yrange [0:1]
set xtics 4
set ytics 0.2
set xlabel 'steps of the chain' textcolor rgb ink
set ylabel 'autocorrelation of {/Sans:Italic m}²' textcolor rgb ink
n = ARGC - 2
size(i) = i == 1 ? ARG3 : ARG4
dash(i) = i == n ? 1 : 2
plot for [i=1:n] file(size(i)) index 1 using 1:2 with linespoints pointtype 7 pointsize 0.9 \
    linewidth 2 dashtype dash(i) linecolor rgb orange title 'flow, {/Sans:Italic L} = '.size(i), \
    for [i=1:n] file(size(i)) index 1 using 1:3 with linespoints pointtype 5 pointsize 0.9 \
    linewidth 2 dashtype dash(i) linecolor rgb blue title 'Hybrid Monte Carlo, {/Sans:Italic L} = '.size(i)

# Training.
set lmargin at screen 0.575
set rmargin at screen 0.97
set xrange [0:*]
set yrange [0:100]
set xtics autofreq
set ytics 20
set xlabel 'steps of training' textcolor rgb ink
set ylabel '% of the proposals' textcolor rgb ink
set key at graph 1, 1.19 right top maxrows 2
plot for [i=1:n] file(size(i)) index 0 using 1:(100 * $2) with lines linewidth 2.5 \
    dashtype dash(i) linecolor rgb orange title 'accepted, {/Sans:Italic L} = '.size(i), \
    for [i=1:n] file(size(i)) index 0 using 1:(100 * $3) with lines linewidth 2.5 \
    dashtype dash(i) linecolor rgb ink title 'effective, {/Sans:Italic L} = '.size(i)
unset multiplot
