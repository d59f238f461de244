// How many different values there are, by those that a sample of rows has.
#pragma once

#include <cmath>

namespace assist {

// A value met often in a sample is in as many rows as the sample says, scaled. Of those met once or
// a few times there are more that were not met. They are counted together, apart from the frequent
// ones; and apart from values that are in one row alone, as the identifiers among the keys of
// documents are: of those all are met once, so how many of the values met once are theirs follows
// from how many were met twice and three times.
struct RareValues {
  static constexpr double kRare = 3;
  double met[3] = {0, 0, 0};  // different values met once, twice, three times

  // False for a value met more often.
  bool Add(double rows_of_value) {
    if (rows_of_value > kRare) return false;
    ++met[static_cast<int>(rows_of_value) - 1];
    return true;
  }
  double Values() const { return met[0] + met[1] + met[2]; }

  // Of the sample's, those that are in one row alone. Were all equally frequent, they would be met
  // m times in proportion to l^m / m! (Poisson); what is met once beyond that, and beyond the error
  // of l, is of this kind.
  double Unique() const {
    if (met[1] <= 0 || met[2] <= 0) return 0;
    const double l = 3 * met[2] / met[1];
    const double error = std::sqrt(1 / met[2] + 4 / met[1]);
    const double repeated = 2 * met[1] / l * (1 + error);
    return met[0] > repeated ? met[0] - repeated : 0;
  }
  // Different others among `scale` times as many rows. SOURCE: Haas and Stokes, "Estimating the
  // Number of Classes in a Finite Population", JASA 93 (1998), Duj1, as analyze.c has it.
  double Others(double scale) const {
    const double once = met[0] - Unique(), rows = once + 2 * met[1] + 3 * met[2];
    if (rows <= 0) return 0;
    const double values = once + met[1] + met[2];
    const double distinct = rows * values / (rows - once + once / scale), all = rows * scale;
    return distinct < values ? values : distinct > all ? all : distinct;
  }
  double OthersRows() const { return met[0] - Unique() + 2 * met[1] + 3 * met[2]; }
  double Distinct(double scale) const { return Unique() * scale + Others(scale); }
};

}  // namespace assist
