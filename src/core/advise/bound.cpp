// The bound of a selection.
//
// Every statement pays a share of each index it uses: space at a price a byte, and upkeep. If the
// shares of each index add up to no more than its whole price, then what the statements gain at
// best when each chooses for itself, plus the price of the budget, is at least what any choice for
// all gains. The shares and the price of space are moved to where the bound is least (subgradient).
//
// What one statement gains at best: with everything in place its plan uses U. Either the best set
// contains U, then it is U; or it lacks one of U, and the same holds for what is left without that
// one.

#include "core/advise/bound.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assist::advise {

namespace {

constexpr int kRounds = 60;
constexpr int kPrices = 12;  // of space, tried in a round
constexpr double kGoodEnough = 0.002;
constexpr int kMostNodes = 400;  // of one statement and round
class Bounder {
 public:
  Bounder(std::span<const Item> items, std::span<const Weighed> statements, Prices& prices,
          CostSource& source, const SelectSettings& settings, std::pmr::memory_resource* memory)
      : items_(items),
        statements_(statements),
        prices_(prices),
        source_(source),
        settings_(settings),
        memory_(memory),
        share_(memory),
        users_(items.size(), 0, memory),
        chosen_(statements.size(), 0, memory) {
    for (const Weighed& statement : statements_) {
      share_.emplace_back(std::min(statement.items.size(), kMaxItems), 0.0);
      for (std::size_t k = 0; k < share_.back().size(); ++k)
        ++users_[static_cast<std::size_t>(statement.items[k])];
    }
  }

  // The least bound found for what any choice gains.
  double MostGain(const Selection& found) {
    const double gained = found.cost_before - found.cost_after - found.upkeep;
    for (std::size_t q = 0; q < statements_.size(); ++q)
      for (std::size_t k = 0; k < share_[q].size(); ++k)
        share_[q][k] = 1.0 / users_[static_cast<std::size_t>(statements_[q].items[k])];
    // Space costs what it earned on average, to begin with.
    lambda_ = settings_.budget_bytes > 0 ? gained / settings_.budget_bytes : 0;
    // Without a price each statement gains what all of its items give it.
    double least = 0, step = 1;
    for (std::size_t q = 0; q < statements_.size(); ++q) {
      const auto number = static_cast<int>(q);
      const std::size_t n = share_[q].size();
      const ItemSet all = n == kMaxItems ? ~ItemSet{0} : (ItemSet{1} << n) - 1;
      least += statements_[q].weight * (prices_.Cost(number, 0) - prices_.AtLeast(number, all));
    }
    int stale = 0;
    for (int round = 0; round < kRounds && !source_.Stop(); ++round) {
      const double gain = settings_.budget_bytes > 0 ? LeastByPrice() : Round();
      if (gain < least * (1 - 1e-4)) {
        stale = 0;
      } else if (++stale == 3) {
        step /= 2;
        stale = 0;
      }
      least = std::min(least, gain);
      if (least <= gained * (1 + kGoodEnough) || step < 0.02) break;
      MoveShares(step);
    }
    return std::max(least, gained);
  }

 private:
  const Item& Of(std::size_t q, std::size_t k) const {
    return items_[static_cast<std::size_t>(statements_[q].items[k])];
  }
  double Price(std::size_t q, std::size_t k) const {
    const Item& item = Of(q, k);
    return share_[q][k] * (lambda_ * item.bytes + item.upkeep);
  }
  double PriceOf(std::size_t q, ItemSet set) const {
    double sum = 0;
    for (; set != 0; set &= set - 1)
      sum += Price(q, static_cast<std::size_t>(std::countr_zero(set)));
    return sum;
  }

  double Round() {
    double gain = settings_.budget_bytes > 0 ? lambda_ * settings_.budget_bytes : 0;
    for (std::size_t q = 0; q < statements_.size(); ++q) {
      best_ = 0;
      chosen_[q] = 0;
      nodes_ = 0;
      empty_ = prices_.Cost(static_cast<int>(q), 0);
      ItemSet fitting = 0;  // what is larger than the budget is in no set
      for (std::size_t k = 0; k < share_[q].size(); ++k)
        if (settings_.budget_bytes < 0 || Of(q, k).bytes <= settings_.budget_bytes)
          fitting |= ItemSet{1} << k;
      if (fitting != 0) Search(q, fitting, 0);
      gain += best_;
    }
    return gain;
  }

  // `kept` are in every set that is still looked for: so none is met twice.
  void Search(std::size_t q, ItemSet set, ItemSet kept) {
    const auto statement = static_cast<int>(q);
    const double weight = statements_[q].weight;
    const auto gain = [&](double cost) { return weight * (empty_ - cost) - PriceOf(q, kept); };
    // What alone is dearer than all that is left to gain is in no better set.
    const auto leave_dear = [&](double most) {
      ItemSet left = set & ~kept;
      for (; left != 0; left &= left - 1) {
        const auto k = static_cast<std::size_t>(std::countr_zero(left));
        if (Price(q, k) >= most - best_) set &= ~(ItemSet{1} << k);
      }
    };
    double most = gain(prices_.AtLeast(statement, set));
    if (most <= best_) return;
    leave_dear(most);
    PlannedSet planned;
    const bool known = prices_.Known(statement, set, &planned);
    if (++nodes_ > kMostNodes || (!known && source_.Stop())) {
      best_ = std::max(best_, gain(prices_.AtLeast(statement, set)));  // a bound all the same
      return;
    }
    if (!known) planned = prices_.Of(statement, set);
    most = gain(planned.cost);
    if (most <= best_) return;
    const ItemSet whole = planned.used | kept;
    const double net = weight * (empty_ - planned.cost) - PriceOf(q, whole);
    if (net > best_) {
      best_ = net;
      chosen_[q] = whole;
    }
    for (ItemSet left = planned.used & ~kept; left != 0; left &= left - 1) {
      const ItemSet bit = left & (~left + 1);
      Search(q, set & ~bit, kept);
      kept |= bit;
      if (gain(planned.cost) <= best_) return;
    }
  }

  // Who uses an index pays more of it, who does not less.
  void MoveShares(double step) {
    std::pmr::vector<double> used(items_.size(), 0.0, memory_), sum(items_.size(), 0.0, memory_);
    for (std::size_t q = 0; q < statements_.size(); ++q)
      for (std::size_t k = 0; k < share_[q].size(); ++k)
        used[static_cast<std::size_t>(statements_[q].items[k])] += chosen_[q] >> k & 1;
    for (std::size_t q = 0; q < statements_.size(); ++q)
      for (std::size_t k = 0; k < share_[q].size(); ++k) {
        const auto item = static_cast<std::size_t>(statements_[q].items[k]);
        const double mean = used[item] / users_[item];
        const double mine = static_cast<double>(chosen_[q] >> k & 1);
        share_[q][k] = std::max(0.0, share_[q][k] + step * 0.3 * (mine - mean));
        sum[item] += share_[q][k];
      }
    for (std::size_t q = 0; q < statements_.size(); ++q)
      for (std::size_t k = 0; k < share_[q].size(); ++k) {
        const auto item = static_cast<std::size_t>(statements_[q].items[k]);
        share_[q][k] = sum[item] > 0 ? share_[q][k] / sum[item] : 1.0 / users_[item];
      }
  }

  // The bound with the price of space at which the statements together take as much as there is:
  // there it is least, for it falls with the price as long as they take more.
  double LeastByPrice() {
    double low = 0, high = INFINITY, least = INFINITY;
    for (int n = 0; n < kPrices && (n == 0 || !source_.Stop()); ++n) {
      least = std::min(least, Round());
      if (Taken() > settings_.budget_bytes)
        low = lambda_;
      else
        high = lambda_;
      lambda_ = std::isinf(high) ? lambda_ * 2 : (low + high) / 2;
      if (!std::isinf(high) && high - low < high * 0.01) break;
    }
    return least;
  }

  // Bytes that the statements take, each of its shares.
  double Taken() const {
    double taken = 0;
    for (std::size_t q = 0; q < statements_.size(); ++q)
      for (std::size_t k = 0; k < share_[q].size(); ++k)
        if ((chosen_[q] >> k & 1) != 0) taken += share_[q][k] * Of(q, k).bytes;
    return taken;
  }

  std::span<const Item> items_;
  std::span<const Weighed> statements_;
  Prices& prices_;
  CostSource& source_;
  const SelectSettings& settings_;
  std::pmr::memory_resource* memory_;
  std::pmr::vector<std::pmr::vector<double>> share_;  // by statement and its item: 0 to 1
  std::pmr::vector<int> users_;                       // statements by item
  std::pmr::vector<ItemSet> chosen_;                  // by statement
  double lambda_ = 0;                                 // price of a byte
  double best_ = 0, empty_ = 0;                       // of the statement that is looked at
  int nodes_ = 0;
};

}  // namespace

double BoundCost(std::span<const Item> items, std::span<const Weighed> statements, Prices& prices,
                 CostSource& source, const SelectSettings& settings, const Selection& found,
                 std::pmr::memory_resource* memory) {
  Bounder bounder(items, statements, prices, source, settings, memory);
  const double reached = found.cost_after + found.upkeep;
  return std::min(reached, found.cost_before - bounder.MostGain(found));
}

}  // namespace assist::advise
