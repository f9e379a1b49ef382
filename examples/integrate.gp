# Proposals for the camel, and errors against evaluations: gnuplot -c integrate.gp path/integrate picture.png
#
# path/integrate_{vegas,flow}.txt: matrices over the unit square; path/integrate_camel<D>.txt:
# evaluations, relative errors of plain Monte Carlo, the flow, VEGAS.
set terminal pngcairo size 1500,960 enhanced font 'Sans,16' background '#ffffff'
set output ARG2
set border linecolor rgb '#9aa0a8'
set multiplot

# Proposals.
set palette defined (0 '#ffffff', 0.15 '#cfe0f0', 0.5 '#4f87bd', 1 '#0c2c54')
unset colorbox
unset key
unset tics
set xrange [-0.5:99.5]
set yrange [-0.5:99.5]
set tmargin at screen 0.94
set bmargin at screen 0.55
do for [i=1:2] {
  set lmargin at screen 0.2 + 0.34 * (i - 1)
  set rmargin at screen 0.2 + 0.34 * (i - 1) + 0.25
  set title word('VEGAS flow', i).' draws x_1, x_2 (D = 8)' offset 0,-0.4 textcolor rgb '#30343a'
  plot ARG1.'_'.word('vegas flow', i).'.txt' matrix with image
}

# Errors.
set xtics textcolor rgb '#30343a'
set ytics textcolor rgb '#30343a'
set logscale xy
set format x '10^{%T}'
set format y '10^{%T}'
set xrange [2.2e4:1.4e6]
set yrange [3e-5:3]
set tmargin at screen 0.43
set bmargin at screen 0.1
set xlabel 'evaluations' offset 0,0.4 textcolor rgb '#30343a'
set grid linecolor rgb '#e4e6e9' linetype 1
do for [i=1:3] {
  D = word('4 8 16', i)
  set lmargin at screen 0.075 + 0.315 * (i - 1)
  set rmargin at screen 0.075 + 0.315 * (i - 1) + 0.27
  set title 'camel, D = '.D offset 0,-0.4 textcolor rgb '#30343a'
  if (i == 1) {
    set ylabel 'relative error' offset 1,0 textcolor rgb '#30343a'
    set key top right textcolor rgb '#30343a'
  } else {
    unset ylabel
    unset key
  }
  plot ARG1.'_camel'.D.'.txt' using 1:2 with linespoints linewidth 2 pointtype 7 linecolor rgb '#9aa0a8' title 'plain', \
       '' using 1:4 with linespoints linewidth 2 pointtype 7 linecolor rgb '#d08030' title 'VEGAS', \
       '' using 1:3 with linespoints linewidth 2 pointtype 7 linecolor rgb '#0c2c54' title 'flow'
}
unset multiplot
