# GitHub's maths to Doxygen's: $$ ... $$ at the ends of lines, $ ... $ within a line.
s/^\$\$/\\f[/
s/\$\$$/\\f]/
s/\$([^$]+)\$/\\f$\1\\f$/g
# Links within a page have no target there.
s/\[([^]]+)\]\(#[^)]+\)/\1/g
# Titles: the navigation shows marks of code as they are.
1{
  /^# /{
    s/`//g
    s/[<>]/\\&/g
  }
}
