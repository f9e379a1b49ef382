# GitHub's maths to Doxygen's: $$ ... $$ at the ends of lines, $ ... $ within a line.
s/^\$\$/\\f[/
s/\$\$$/\\f]/
s/\$([^$]+)\$/\\f$\1\\f$/g
# Links within a page have no target there.
s/\[([^]]+)\]\(#[^)]+\)/\1/g
