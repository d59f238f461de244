// How many different values there are, by those that a sample of rows has.
#pragma once

namespace assist {

// A value met often in a sample is in as many rows as the sample says, scaled. Of those met once or
// a few times there are more that were not met: they are counted together, apart from the others,
// for the estimate takes all values for equally frequent.
struct RareValues {
  static constexpr double kRare = 3;  // rows of the sample
  double rows = 0, values = 0,
         once = 0;  // of the sample: rows that have one, different ones, met once

  // False for a value met more often.
  bool Add(double rows_of_value) {
    if (rows_of_value > kRare) return false;
    rows += rows_of_value;
    ++values;
    if (rows_of_value == 1) ++once;
    return true;
  }
  // Different ones among `scale` times as many rows. SOURCE: Haas and Stokes, "Estimating the
  // Number of Classes in a Finite Population", JASA 93 (1998), Duj1, as analyze.c has it.
  double Distinct(double scale) const {
    if (rows <= 0) return 0;
    const double distinct = rows * values / (rows - once + once / scale);
    const double all = rows * scale;
    return distinct < values ? values : distinct > all ? all : distinct;
  }
};

}  // namespace assist
