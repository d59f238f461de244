// Selection of a set of indexes: greedy, then local search.

#include "core/advise/select.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/advise/bound.hpp"
#include "core/advise/prices.hpp"

namespace assist::advise {

namespace {

constexpr double kPageBytes = 8192;
constexpr double kNoMove = -1;
// Of a gain: less is the planner's rounding.
constexpr double kEpsilon = 1e-7;
constexpr int kMostPasses = 50;
// Share of what an index gains that a shorter one in its place may lose: a column more has to be
// worth it. With a budget space has its worth already.
constexpr double kWorthless = 0.02, kWorthlessInBudget = 0.001;

// An item as one statement knows it.
struct Place {
  int statement;
  ItemSet bit;
};

class Selector {
 public:
  Selector(std::span<const Item> items, std::span<const Weighed> statements, CostSource& source,
           const SelectSettings& settings, std::pmr::memory_resource* memory)
      : items_(items),
        statements_(statements),
        source_(source),
        settings_(settings),
        memory_(memory),
        prices_(statements, source, memory),
        places_(items.size(), memory),
        empty_(statements.size(), 0.0, memory),
        now_(memory) {}

  Selection Run();

 private:
  // A choice: which items are in, and what the statements cost with them.
  struct State {
    explicit State(std::pmr::memory_resource* memory)
        : in(memory), masks(memory), costs(memory), versions(memory) {}
    std::pmr::vector<char> in;
    std::pmr::vector<ItemSet> masks;  // by statement
    std::pmr::vector<double> costs;   // by statement
    std::pmr::vector<int> versions;   // by statement: how often its mask has changed
    double total = 0;                 // weighted, upkeep included
    double bytes = 0;
    std::size_t count = 0;
  };
  // What a change of the state would come to.
  struct Change {
    double net = 0;    // weighted cost and upkeep saved
    double bytes = 0;  // more
  };
  struct Move {
    double net = 0;     // as last computed, or at most
    int computed = -1;  // sum of the versions of its statements then; -1 = `net` is an upper bound
    bool bounded = false;
    bool open = true;
  };

  void AskAlone();
  State Greedy(double exponent);
  void Improve(State& state);
  void Together(const State& state, std::size_t q, std::pmr::vector<int>& out);
  bool AddTogether(State& state, double exponent);
  bool DropUseless(State& state);
  bool SwapIn(State& state);
  bool SwapOut(State& state);
  bool Replace(State& state);
  void Simplify(State& state);
  bool IsHardlyWorse(const State& state, int item, int shorter);
  void Fill(State& state, double exponent, std::pmr::vector<Move>& moves);

  // `added` and `removed` are items that are not in, and that are.
  // `most`: at least what it comes to, by what is known; nothing is asked for.
  Change Try(const State& state, std::span<const int> added, std::span<const int> removed,
             bool most = false);
  void Apply(State& state, std::span<const int> added, std::span<const int> removed);
  void Covered(const State& state, int item, std::pmr::vector<int>& out) const;
  bool IsCovered(const State& state, int item) const;
  int VersionOf(const State& state, int item) const;
  bool Fits(const State& state, double more) const {
    return settings_.budget_bytes < 0 || state.bytes + more <= settings_.budget_bytes;
  }
  const Item& At(int item) const { return items_[static_cast<std::size_t>(item)]; }
  int Count() const { return static_cast<int>(items_.size()); }
  double Weight(int q) const { return statements_[static_cast<std::size_t>(q)].weight; }
  void Order(const State& state, Selection& out);

  std::span<const Item> items_;
  std::span<const Weighed> statements_;
  CostSource& source_;
  SelectSettings settings_;
  std::pmr::memory_resource* memory_;
  Prices prices_;
  std::pmr::vector<std::pmr::vector<Place>> places_;  // by item
  std::pmr::vector<double> empty_;                    // cost by statement without any
  State now_;
};

ItemSet AllOf(const Weighed& statement) {
  const std::size_t n = std::min(statement.items.size(), kMaxItems);
  return n == kMaxItems ? ~ItemSet{0} : (ItemSet{1} << n) - 1;
}

// Score of a change: gain over a power of the space it takes; space gained is for nothing.
double Score(double net, double bytes, double exponent) {
  return net / std::pow(std::max(bytes, kPageBytes), exponent);
}

// Each statement as it is, with all, and with each alone. An item that does nothing for it alone,
// and nothing among all, is none of its.
void Selector::AskAlone() {
  std::pmr::vector<ItemSet> sets(memory_);
  for (std::size_t q = 0; q < statements_.size(); ++q) {
    const Weighed& statement = statements_[q];
    const auto number = static_cast<int>(q);
    const ItemSet all = AllOf(statement);
    sets = {0, all};
    prices_.Ask(number, sets);
    empty_[q] = prices_.Cost(number, 0);
    if (all == 0 || source_.Stop()) continue;
    if (prices_.Cost(number, all) >= empty_[q] * (1 - kEpsilon)) continue;
    sets.clear();
    for (std::size_t k = 0; k < statement.items.size() && k < kMaxItems; ++k)
      sets.push_back(ItemSet{1} << k);
    prices_.Ask(number, sets);
    const ItemSet used = prices_.Of(number, all).used;
    for (std::size_t k = 0; k < statement.items.size() && k < kMaxItems; ++k) {
      const ItemSet bit = ItemSet{1} << k;
      const double gain = empty_[q] - prices_.Cost(number, bit),
                   least = At(statement.items[k]).least;
      if (gain > empty_[q] * kEpsilon ? gain >= least : (used & bit) != 0)
        places_[static_cast<std::size_t>(statement.items[k])].push_back({number, bit});
    }
  }
}

void Selector::Covered(const State& state, int item, std::pmr::vector<int>& out) const {
  out.clear();
  for (const int other : At(item).covers)
    if (state.in[static_cast<std::size_t>(other)] != 0) out.push_back(other);
}

bool Selector::IsCovered(const State& state, int item) const {
  for (int other = 0; other < Count(); ++other) {
    if (state.in[static_cast<std::size_t>(other)] == 0) continue;
    const auto& covers = At(other).covers;
    if (std::find(covers.begin(), covers.end(), item) != covers.end()) return true;
  }
  return false;
}

int Selector::VersionOf(const State& state, int item) const {
  int sum = 0;
  for (const Place& place : places_[static_cast<std::size_t>(item)])
    sum += state.versions[static_cast<std::size_t>(place.statement)];
  return sum;
}

Selector::Change Selector::Try(const State& state, std::span<const int> added,
                               std::span<const int> removed, bool most) {
  Change change;
  // Statements that one of them matters to, each once.
  const auto each = [&](auto&& f) {
    for (std::size_t n = 0; n < added.size() + removed.size(); ++n) {
      const int item = n < added.size() ? added[n] : removed[n - added.size()];
      for (const Place& place : places_[static_cast<std::size_t>(item)]) {
        bool before = false;
        for (std::size_t m = 0; m < n && !before; ++m) {
          const int other = m < added.size() ? added[m] : removed[m - added.size()];
          for (const Place& p : places_[static_cast<std::size_t>(other)])
            before |= p.statement == place.statement;
        }
        if (!before) f(place.statement);
      }
    }
  };
  for (const int item : added) {
    change.net -= At(item).upkeep;
    change.bytes += At(item).bytes;
  }
  for (const int item : removed) {
    change.net += At(item).upkeep;
    change.bytes -= At(item).bytes;
  }
  each([&](int q) {
    const auto position = static_cast<std::size_t>(q);
    ItemSet mask = state.masks[position];
    for (const int item : removed)
      for (const Place& place : places_[static_cast<std::size_t>(item)])
        if (place.statement == q) mask &= ~place.bit;
    for (const int item : added)
      for (const Place& place : places_[static_cast<std::size_t>(item)])
        if (place.statement == q) mask |= place.bit;
    if (mask == state.masks[position]) return;
    change.net += Weight(q) * (state.costs[position] -
                               (most ? prices_.AtLeast(q, mask) : prices_.Cost(q, mask)));
  });
  return change;
}

void Selector::Apply(State& state, std::span<const int> added, std::span<const int> removed) {
  const auto flip = [&](int item, bool in) {
    const auto position = static_cast<std::size_t>(item);
    if ((state.in[position] != 0) == in) return;
    state.in[position] = in ? 1 : 0;
    state.count += in ? 1 : static_cast<std::size_t>(-1);
    state.bytes += in ? At(item).bytes : -At(item).bytes;
    state.total += in ? At(item).upkeep : -At(item).upkeep;
    for (const Place& place : places_[position]) {
      const auto q = static_cast<std::size_t>(place.statement);
      state.masks[q] = in ? state.masks[q] | place.bit : state.masks[q] & ~place.bit;
      ++state.versions[q];
    }
  };
  for (const int item : removed) flip(item, false);
  for (const int item : added) flip(item, true);
  for (std::size_t n = 0; n < added.size() + removed.size(); ++n) {
    const int item = n < added.size() ? added[n] : removed[n - added.size()];
    for (const Place& place : places_[static_cast<std::size_t>(item)]) {
      const auto q = static_cast<std::size_t>(place.statement);
      const double cost = prices_.Cost(place.statement, state.masks[q]);
      state.total += Weight(place.statement) * (cost - state.costs[q]);
      state.costs[q] = cost;
    }
  }
}

// Adds what scores most until nothing more pays or fits. Gains are computed again only for what
// stands at the top: others can hardly have grown. Before the end all are looked at anew, for some
// do grow: an index that pays only beside another.
void Selector::Fill(State& state, double exponent, std::pmr::vector<Move>& moves) {
  std::pmr::vector<int> covered(memory_);
  bool refreshed = false;
  while (state.count < settings_.most_items && !source_.Stop()) {
    int best = kNoMove;
    double best_score = 0;
    for (int item = 0; item < Count(); ++item) {
      Move& move = moves[static_cast<std::size_t>(item)];
      if (!move.open || state.in[static_cast<std::size_t>(item)] != 0) continue;
      if ((move.computed >= 0 || move.bounded) && move.net <= settings_.floor) continue;
      Covered(state, item, covered);
      double more = At(item).bytes;
      for (const int other : covered) more -= At(other).bytes;
      if (!Fits(state, more)) continue;
      if (move.computed < 0 && !move.bounded) {
        move.net = Try(state, {&item, 1}, covered, true).net;
        move.bounded = true;
        if (move.net <= settings_.floor) continue;
      }
      const double score = Score(move.net, more, exponent);
      if (score > best_score) {
        best = item;
        best_score = score;
      }
    }
    if (best < 0) {
      if (refreshed) {
        if (!AddTogether(state, exponent)) break;
        continue;
      }
      refreshed = true;
      for (int item = 0; item < Count(); ++item) {
        Move& move = moves[static_cast<std::size_t>(item)];
        if (move.computed == VersionOf(state, item)) continue;
        move.computed = -1;
        move.bounded = false;
      }
      continue;
    }
    Move& move = moves[static_cast<std::size_t>(best)];
    Covered(state, best, covered);
    const int version = VersionOf(state, best);
    if (move.computed != version) {
      if (IsCovered(state, best)) {
        move.net = 0;
      } else {
        move.net = Try(state, {&best, 1}, covered).net;
      }
      move.computed = version;
      continue;
    }
    Apply(state, {&best, 1}, covered);
    refreshed = false;
  }
}

// What a statement's plan with all of them uses and is not in; nothing where it is no cheaper.
void Selector::Together(const State& state, std::size_t q, std::pmr::vector<int>& out) {
  const Weighed& statement = statements_[q];
  const PlannedSet planned = prices_.Of(static_cast<int>(q), AllOf(statement));
  out.clear();
  if (planned.cost >= state.costs[q] * (1 - kEpsilon)) return;
  for (std::size_t k = 0; k < statement.items.size() && k < kMaxItems; ++k)
    if (((planned.used & ~state.masks[q]) >> k & 1) != 0) out.push_back(statement.items[k]);
}

// Those that pay only together, as on both sides of a join.
bool Selector::AddTogether(State& state, double exponent) {
  std::pmr::vector<int> group(memory_), best(memory_);
  double best_score = 0;
  for (std::size_t q = 0; q < statements_.size() && !source_.Stop(); ++q) {
    Together(state, q, group);
    if (group.size() < 2 || state.count + group.size() > settings_.most_items) continue;
    const Change change = Try(state, group, {});
    if (change.net <= settings_.floor * static_cast<double>(group.size()) ||
        !Fits(state, change.bytes))
      continue;
    const double score = Score(change.net, change.bytes, exponent);
    if (score <= best_score) continue;
    best_score = score;
    best = group;
  }
  if (best.empty()) return false;
  Apply(state, best, {});
  return true;
}

Selector::State Selector::Greedy(double exponent) {
  State state(memory_);
  state.in.assign(items_.size(), 0);
  state.masks.assign(statements_.size(), 0);
  state.costs.assign(empty_.begin(), empty_.end());
  state.versions.assign(statements_.size(), 0);
  for (std::size_t q = 0; q < statements_.size(); ++q)
    state.total += statements_[q].weight * empty_[q];
  std::pmr::vector<Move> moves(items_.size(), memory_);
  Fill(state, exponent, moves);
  return state;
}

bool Selector::DropUseless(State& state) {
  bool dropped = false;
  for (int item = 0; item < Count(); ++item) {
    if (state.in[static_cast<std::size_t>(item)] == 0 || source_.Stop()) continue;
    if (-Try(state, {}, {&item, 1}).net >= settings_.floor) continue;
    Apply(state, {}, {&item, 1});
    dropped = true;
  }
  return dropped;
}

// Another index of the same table in the place of one, or none and something else that fits then.
bool Selector::Replace(State& state) {
  for (int out = 0; out < Count(); ++out) {
    if (state.in[static_cast<std::size_t>(out)] == 0) continue;
    int best = kNoMove;
    double best_net = state.total * kEpsilon;
    for (int in = 0; in < Count(); ++in) {
      if (source_.Stop()) return false;
      if (state.in[static_cast<std::size_t>(in)] != 0 || At(in).table != At(out).table) continue;
      const double more = At(in).bytes - At(out).bytes;
      if (!Fits(state, more)) continue;
      // Nothing is asked for where it could not be better.
      if (more >= -At(out).bytes * 0.1 && Try(state, {&in, 1}, {&out, 1}, true).net <= best_net)
        continue;
      const Change change = Try(state, {&in, 1}, {&out, 1});
      // As good and smaller is better: there is room for something else.
      const bool smaller = change.net > -state.total * kEpsilon && more < -At(out).bytes * 0.1;
      if (change.net > best_net || (best < 0 && smaller)) {
        best = in;
        best_net = std::max(change.net, best_net);
      }
    }
    if (best < 0) continue;
    Apply(state, {&best, 1}, {&out, 1});
    return true;
  }
  return false;
}

// What does not fit, in the place of those that are worth least for their size.
bool Selector::SwapIn(State& state) {
  if (settings_.budget_bytes < 0) return false;
  std::pmr::vector<std::pair<double, int>> losses(memory_);
  for (int item = 0; item < Count(); ++item) {
    if (state.in[static_cast<std::size_t>(item)] == 0) continue;
    const double loss = -Try(state, {}, {&item, 1}).net;
    losses.emplace_back(loss / std::max(At(item).bytes, kPageBytes), item);
  }
  std::sort(losses.begin(), losses.end());
  struct Wanted {
    double net;
    std::pmr::vector<int> items;
  };
  std::pmr::vector<Wanted> wanted(memory_);
  std::pmr::vector<int> removed(memory_), added(memory_);
  const auto want = [&] {
    double bytes = 0;
    for (const int item : added) bytes += At(item).bytes;
    if (bytes > settings_.budget_bytes) return;
    removed.clear();
    if (added.size() == 1) Covered(state, added.front(), removed);
    if (Try(state, added, removed, true).net <= settings_.floor) return;
    const double net = Try(state, added, removed).net;
    if (net > settings_.floor) wanted.push_back({net, added});
  };
  for (int item = 0; item < Count() && !source_.Stop(); ++item) {
    if (state.in[static_cast<std::size_t>(item)] != 0) continue;
    added.assign(1, item);
    want();
  }
  for (std::size_t q = 0; q < statements_.size() && !source_.Stop(); ++q) {
    Together(state, q, added);
    if (added.size() > 1) want();
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const Wanted& a, const Wanted& b) { return a.net > b.net; });
  for (const Wanted& one : wanted) {
    if (source_.Stop()) return false;
    removed.clear();
    if (one.items.size() == 1) Covered(state, one.items.front(), removed);
    const std::size_t covered = removed.size();
    double more = 0;
    for (const int item : one.items) more += At(item).bytes;
    for (const int other : removed) more -= At(other).bytes;
    for (const auto& [loss, other] : losses) {
      if (Fits(state, more)) break;
      if (std::find(removed.begin(), removed.end(), other) != removed.end()) continue;
      removed.push_back(other);
      more -= At(other).bytes;
    }
    if (!Fits(state, more)) continue;
    // Of those only what has to go.
    for (std::size_t n = removed.size(); n-- > covered;) {
      if (!Fits(state, more + At(removed[n]).bytes)) continue;
      more += At(removed[n]).bytes;
      removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(n));
    }
    if (Try(state, one.items, removed).net <= state.total * kEpsilon) continue;
    Apply(state, one.items, removed);
    return true;
  }
  return false;
}

// Several in the place of one.
bool Selector::SwapOut(State& state) {
  if (settings_.budget_bytes < 0) return false;
  std::pmr::vector<Move> moves(memory_);
  for (int item = 0; item < Count(); ++item) {
    if (state.in[static_cast<std::size_t>(item)] == 0) continue;
    State other = state;
    Apply(other, {}, {&item, 1});
    moves.assign(items_.size(), {});
    moves[static_cast<std::size_t>(item)].open = false;
    Fill(other, 1, moves);
    if (source_.Stop()) return false;
    if (other.total >= state.total * (1 - kEpsilon)) continue;
    state = std::move(other);
    return true;
  }
  return false;
}

void Selector::Improve(State& state) {
  std::pmr::vector<Move> moves(memory_);
  for (int pass = 0; pass < kMostPasses && !source_.Stop(); ++pass) {
    const bool dropped = DropUseless(state);
    const bool changed = Replace(state) || SwapIn(state) || SwapOut(state);
    moves.assign(items_.size(), {});
    const double before = state.total;
    Fill(state, 1, moves);
    if (!dropped && !changed && state.total >= before * (1 - kEpsilon)) break;
  }
  Simplify(state);
  DropUseless(state);
}

// Whether no statement would notice.
bool Selector::IsHardlyWorse(const State& state, int item, int shorter) {
  if (settings_.negligible <= 0) return false;
  const auto& there = places_[static_cast<std::size_t>(shorter)];
  return std::all_of(places_[static_cast<std::size_t>(item)].begin(),
                     places_[static_cast<std::size_t>(item)].end(), [&](const Place& place) {
                       const auto q = static_cast<std::size_t>(place.statement);
                       ItemSet mask = state.masks[q] & ~place.bit;
                       for (const Place& other : there)
                         if (other.statement == place.statement) mask |= other.bit;
                       return prices_.Cost(place.statement, mask) <=
                              state.costs[q] + settings_.negligible;
                     });
}

// A shorter index in the place of one that is hardly better.
void Selector::Simplify(State& state) {
  const double worthless = settings_.budget_bytes < 0 ? kWorthless : kWorthlessInBudget;
  for (int item = 0; item < Count(); ++item) {
    if (state.in[static_cast<std::size_t>(item)] == 0) continue;
    const double gain = -Try(state, {}, {&item, 1}).net;
    int best = kNoMove;
    for (const int shorter : At(item).covers) {
      if (source_.Stop()) return;
      if (state.in[static_cast<std::size_t>(shorter)] != 0 || At(shorter).bytes >= At(item).bytes ||
          (best >= 0 && At(shorter).bytes >= At(best).bytes))
        continue;
      if (Try(state, {&shorter, 1}, {&item, 1}).net >= -worthless * gain ||
          IsHardlyWorse(state, item, shorter))
        best = shorter;
    }
    if (best >= 0) Apply(state, {&best, 1}, {&item, 1});
  }
}

// In the order in which they pay, each with those before it.
void Selector::Order(const State& state, Selection& out) {
  State built(memory_);
  built.in.assign(items_.size(), 0);
  built.masks.assign(statements_.size(), 0);
  built.costs.assign(empty_.begin(), empty_.end());
  built.versions.assign(statements_.size(), 0);
  for (std::size_t q = 0; q < statements_.size(); ++q)
    built.total += statements_[q].weight * empty_[q];
  out.cost_before = built.total;
  const double exponent = settings_.budget_bytes < 0 ? 0 : 1;
  while (built.count < state.count) {
    int best = kNoMove;
    double best_score = 0;
    for (int item = 0; item < Count(); ++item) {
      const auto position = static_cast<std::size_t>(item);
      if (state.in[position] == 0 || built.in[position] != 0) continue;
      const double net = Try(built, {&item, 1}, {}).net;
      const double score = Score(net, At(item).bytes, exponent);
      if (best < 0 || score > best_score) {
        best = item;
        best_score = score;
      }
    }
    const double before = built.total;
    Apply(built, {&best, 1}, {});
    out.chosen.push_back({best, before - out.upkeep, built.total - out.upkeep - At(best).upkeep});
    out.upkeep += At(best).upkeep;
  }
  out.cost_after = built.total - out.upkeep;
  out.bytes = built.bytes;
}

Selection Selector::Run() {
  Selection out(memory_);
  AskAlone();
  // By gain per byte most fits in; where the best ones are large, a start with the largest gains
  // finds them.
  now_ = Greedy(settings_.budget_bytes < 0 ? 0 : 1);
  if (settings_.budget_bytes >= 0) {
    for (const double exponent : {0.5, 0.0}) {
      if (source_.Stop()) break;
      State other = Greedy(exponent);
      if (other.total < now_.total) now_ = std::move(other);
    }
  }
  Improve(now_);
  Order(now_, out);
  source_.Chosen();
  out.bound = BoundCost(items_, statements_, prices_, source_, settings_, out, memory_);
  out.plans = prices_.plans();
  return out;
}

}  // namespace

Selection Select(std::span<const Item> items, std::span<const Weighed> statements,
                 CostSource& source, const SelectSettings& settings,
                 std::pmr::memory_resource* memory) {
  return Selector(items, statements, source, settings, memory).Run();
}

}  // namespace assist::advise
