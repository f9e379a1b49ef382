# Densities of four energies and of flows: gnuplot -c energies.gp path/energies picture.png
#
# path/energies_<energy>_<flow>.txt: a matrix each, [-4, 4]^2.
set terminal pngcairo size 1500,1060 enhanced font 'Sans,17' background '#ffffff'
set output ARG2
flows = 'truth planar2 planar8 planar32 iaf spline'
titles = '"exp(−U)" "2 planar" "8 planar" "32 planar" "4 affine" "2 spline"'
set palette defined (0 '#ffffff', 0.15 '#cfe0f0', 0.5 '#4f87bd', 1 '#0c2c54')
unset colorbox
unset tics
unset key
set border linecolor rgb '#9aa0a8'
set multiplot
do for [row=1:4] {
  do for [column=1:6] {
    set lmargin at screen 0.045 + 0.1585 * (column - 1)
    set rmargin at screen 0.045 + 0.1585 * (column - 1) + 0.15
    set tmargin at screen 0.955 - 0.2365 * (row - 1)
    set bmargin at screen 0.955 - 0.2365 * (row - 1) - 0.225
    unset label
    if (row == 1) { set label word(titles, column) at graph 0.5, 1.08 center textcolor rgb '#30343a' }
    if (column == 1) { set label sprintf('U_%d', row) at graph -0.12, 0.5 center textcolor rgb '#30343a' }
    set xrange [-0.5:159.5]
    set yrange [-0.5:159.5]
    set autoscale cb
    plot ARG1.'_'.row.'_'.word(flows, column).'.txt' matrix with image
  }
}
unset multiplot
