// Tiers of history: their setting and their rings.

#include <algorithm>
#include <charconv>

#include "assist/history_tiers.hpp"

namespace assist {

namespace {

constexpr std::int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                       kDay = 24 * kHour;
struct Unit {
  std::string_view name;
  std::int64_t us;
};
constexpr Unit kUnits[] = {{"min", kMinute}, {"s", kSecond},  {"h", kHour},
                           {"d", kDay},      {"w", 7 * kDay}, {"y", 365 * kDay}};
constexpr std::int64_t kLongest = std::int64_t{100} * 365 * kDay;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// A number and its unit; 0 = none.
std::int64_t Duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0) return 0;
  const std::string_view unit = Trim(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const Unit& known : kUnits)
    if (unit == known.name) return number <= kLongest / known.us ? number * known.us : 0;
  return 0;
}

}  // namespace

std::optional<std::vector<HistoryTier>> ParseTiers(std::string_view text, std::string* problem) {
  std::vector<HistoryTier> tiers;
  const auto refuse = [&](std::string_view part, std::string_view why) {
    *problem = "\"" + std::string(part) + "\": " + std::string(why);
    return std::nullopt;
  };
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = Trim(rest.substr(0, comma));
    more = comma < rest.size();
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos)
      return refuse(part, "a tier is a period and how long it is kept, as in 5min:3d");
    const HistoryTier tier = {Duration(Trim(part.substr(0, colon))),
                              Duration(Trim(part.substr(colon + 1)))};
    if (tier.period_us == 0 || tier.keep_us == 0)
      return refuse(part, "a time is a whole number with s, min, h, d, w or y");
    if (tier.keep_us < 3 * tier.period_us) return refuse(part, "three periods at least are kept");
    if (tiers.size() == kMostTiers) return refuse(part, "there are four tiers at most");
    if (!tiers.empty() &&
        (tier.period_us <= tiers.back().period_us || tier.period_us % tiers.back().period_us != 0))
      return refuse(part, "its period is not a multiple of the one before");
    if (!tiers.empty() && tier.keep_us <= tiers.back().keep_us)
      return refuse(part, "it is not kept for longer than the one before");
    if (!tiers.empty() && tiers.back().keep_us < 2 * tier.period_us)
      return refuse(part,
                    "the tier before it is not kept for two of its periods, of which it is made");
    tiers.push_back(tier);
  }
  return tiers;
}

RingSlot SlotOf(const HistoryTier& tier, int tier_number, std::int64_t at_us) {
  // Whole periods, so that no period is parted.
  const std::int64_t periods = (tier.keep_us / tier.period_us + kRingSlots - 2) / (kRingSlots - 1);
  const HistoryTier span = {periods * tier.period_us, 0};
  const std::int64_t since = PeriodOf(span, at_us);
  const std::int64_t slot = since / span.period_us % kRingSlots;
  return {tier_number * kRingSlots + static_cast<int>(slot < 0 ? slot + kRingSlots : slot), since};
}

}  // namespace assist
