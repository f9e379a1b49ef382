# Data and samples side by side: gnuplot -c small_bodies.gp data.csv samples.csv picture.png
#
# Both files: one body a line, a [au], e, i [degrees]. As many samples are drawn as points as there
# are data, so that the panels compare by eye; all samples count in the marginals.
data = ARG1
samples = ARG2
set terminal pngcairo size 1800,1200 enhanced font 'Sans,17' background '#ffffff'
set output ARG3
set datafile separator ','

stats data using 1 nooutput
n_data = int(STATS_records)
stats samples using 1 nooutput
n_samples = int(STATS_records)
thousands(n) = sprintf('%d,%03d', n / 1000, n - n / 1000 * 1000)

# Columns 1, 2, 3: a, e, i.
array low[3] = [30, -0.012, -0.9]
array high[3] = [60, 0.6, 45]
array bins[3] = [150, 60, 60]
array step[3] = [5, 0.1, 10]
array form[3] = ['%.0f', '%.1f', '%.0f°']
array name[3] = ['semi-major axis  {/:Italic a}  [au]', 'eccentricity  {/:Italic e}', 'inclination  {/:Italic i}']
width(k) = real(high[k] - low[k]) / bins[k]
middle(x, k) = low[k] + width(k) * (floor((x - low[k]) / width(k)) + 0.5)
inside(a) = a > low[1] && a < high[1]

ink = '#30343a'
blue = '#1f5fa8'
orange = '#d9541e'
set border linecolor rgb ink
set tics nomirror out scale 0.6 textcolor rgb ink
set style fill solid 0.35 noborder
unset key

left(c) = 0.062 + 0.41 * c
right(c) = left(c) + 0.38
top(k) = k == 2 ? 0.79 : 0.43
bottom(k) = k == 2 ? 0.455 : 0.095

set multiplot
do for [c=0:1] {
  file = c == 0 ? data : samples
  n = c == 0 ? n_data : n_samples
  colour = c == 0 ? blue : orange
  set lmargin at screen left(c)
  set rmargin at screen right(c)
  set xrange [low[1]:high[1]]
  set xtics step[1] nomirror

  # On top the marginal of a: shares of all bodies; over the samples the data's outline.
  set tmargin at screen 0.925
  set bmargin at screen 0.81
  set border 1
  set yrange [0:0.032]
  unset ytics
  set format x ''
  unset xlabel
  unset ylabel
  set label 1 (c == 0 ? sprintf('{/:Bold Data}   %s bodies', thousands(n_data)) : \
      sprintf('{/:Bold Flow}   %s of %s samples', thousands(n_data), thousands(n_samples))) \
      at graph 0, 1.35 textcolor rgb colour font ',21'
  set label 2 '3:2  39.4 au' at 39.4, graph 1.08 center textcolor rgb '#707780' font ',14'
  set label 3 '2:1  47.8 au' at 47.8, graph 1.08 center textcolor rgb '#707780' font ',14'
  plot file using (middle($1, 1)):(1.0 / n) smooth frequency with boxes linecolor rgb colour, \
      data using (middle($1, 1)):(1.0 / n_data) smooth frequency with histeps linecolor rgb blue
  unset label

  do for [k=2:3] {
    set tmargin at screen top(k)
    set bmargin at screen bottom(k)
    set border 3
    set yrange [low[k]:high[k]]
    set ytics step[k] nomirror
    set format y (c == 0 ? form[k] : '')
    set format x (k == 3 ? form[1] : '')
    set xlabel (k == 3 ? name[1] : '') textcolor rgb ink
    set ylabel (c == 0 ? name[k] : '') textcolor rgb ink
    set arrow 1 from 39.4, low[k] to 39.4, high[k] nohead back linecolor rgb '#b4bac2' dashtype (8,6)
    set arrow 2 from 47.8, low[k] to 47.8, high[k] nohead back linecolor rgb '#b4bac2' dashtype (8,6)
    plot file every ::0::(n_data - 1) using 1:k with points pointtype 7 pointsize 0.42 \
        linecolor rgb (c == 0 ? '#8c1f5fa8' : '#8cd9541e')
    unset arrow
  }
}

# Beside them the marginals of e and i, of the bodies in the window.
set lmargin at screen left(2)
set rmargin at screen 0.985
unset xtics
unset xlabel
unset ylabel
set border 2
do for [k=2:3] {
  set format '%g' # tables are written in the axes' format
  set xrange [*:*]
  set yrange [*:*]
  set table $data_bins
  plot data using (middle(column(k), k)):(inside($1) ? 1.0 / n_data : 0) smooth frequency
  set table $sample_bins
  plot samples using (middle(column(k), k)):(inside($1) ? 1.0 / n_samples : 0) smooth frequency
  unset table
  set format ''
  set tmargin at screen top(k)
  set bmargin at screen bottom(k)
  set xrange [0:*]
  set yrange [low[k]:high[k]]
  unset ytics
  set datafile separator whitespace
  plot $sample_bins using (0.5 * $2):1:(0.5 * $2):(0.45 * width(k)) with boxxyerror linecolor rgb orange, \
      $data_bins using 2:($1 - 0.5 * width(k)) with fsteps linecolor rgb blue
  set datafile separator ','
}
unset multiplot
