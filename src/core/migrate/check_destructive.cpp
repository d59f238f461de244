// What cannot be taken back: DROP and TRUNCATE.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

std::string_view HazardOf(ObjectType type) {
  switch (type) {
    case ObjectType::kTable:
    case ObjectType::kMaterializedView:
      return "drop_table";
    case ObjectType::kView:
      return "drop_view";
    case ObjectType::kSequence:
      return "drop_sequence";
    default:
      return {};
  }
}

Text Listed(const List<Text>& names) {
  Text out;
  for (const Text& name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

// Views on a relation, each once.
List<Text> Views(const Relation& relation) {
  List<Text> names;
  for (const Dependant& view : relation.views)
    if (names.empty() || names.back() != view.name) names.push_back(view.name);
  return names;
}

}  // namespace

void Checker::CheckDestructive(const Statement& s) {
  if (s.kind == StatementKind::kTruncate) return Truncate(s);
  if (s.object_type == ObjectType::kDatabase) {
    Hazard& hazard =
        Add("drop_database", s, nullptr, "", -1,
            "The database and all that is in it is lost. Only a backup brings it back.");
    hazard.object = Quoted(s.objects[0].name);
    return;
  }
  if (s.object_type == ObjectType::kSchema) {
    for (const ObjectName& name : s.objects) {
      // What the script made in it is not known here to be all of it; RESTRICT drops only what is
      // empty.
      const bool made = std::any_of(script_.begin(), script_.end(), [&](const Statement& other) {
        return other.kind == StatementKind::kCreateSchema && other.name == name.name &&
               other.number < s.number;
      });
      if (made || !s.cascade) continue;
      Hazard& hazard = Add("drop_schema", s, nullptr, "", -1,
                           "The schema and all relations, types and functions in it are lost, and "
                           "with them what depends on "
                           "them anywhere.");
      hazard.object = Quoted(name.name);
    }
    return;
  }
  DropRelations(s);
}

void Checker::DropRelations(const Statement& s) {
  const std::string_view name = HazardOf(s.object_type);
  if (name.empty()) return;
  // All of them are gone together: a foreign key between two is no obstacle.
  List<Object*> dropped;
  for (const ObjectName& item : s.objects)
    if (Object* object = Resolve(s, item); object != nullptr) dropped.push_back(object);
  const auto goes = [&](const Text& qualified) {
    return std::any_of(dropped.begin(), dropped.end(),
                       [&](const Object* o) { return o->qualified == qualified; }) ||
           std::any_of(objects_.begin(), objects_.end(), [&](const auto& item) {
             return item.second.dropped && item.second.qualified == qualified;
           });
  };
  for (Object* object : dropped) {
    if (object->created || object->facts == nullptr || object->facts->temporary) continue;
    const Relation& facts = *object->facts;
    const bool stores = s.object_type == ObjectType::kTable;
    Hazard& hazard =
        Add(name, s, object, "", -1,
            stores ? facts.empty ? Join(object->qualified,
                                        " is empty: no row is lost. Who still uses it fails.")
                                 : Join("All rows of ", object->qualified,
                                        " are lost; only a backup brings them back. Who still uses "
                                        "it fails. Renamed first, "
                                        "and dropped days later, it can be brought back at once.")
                   : Join("Who still uses ", object->qualified, " fails."));
    if (facts.empty) hazard.severity = Severity::kLow;
    hazard.lock = kAccessExclusiveLock;
    hazard.blocks = Blocks::kReadsAndWrites;
    if (!object->quiet())
      AppendForecast(hazard.explanation, *object, kAccessExclusiveLock, kInstant);
    List<Text> dependants, parents;
    for (const Text& view : Views(facts))
      if (!goes(view)) dependants.push_back(view);
    for (const Text& child : facts.referenced_by)
      if (!goes(child)) dependants.push_back(Join("a foreign key of ", child));
    if (!dependants.empty() && s.cascade)
      Add("drop_cascade", s, object, "", -1,
          Join("CASCADE drops with ", object->qualified,
               " what depends on it: ", Listed(dependants), "."));
    else if (!dependants.empty())
      Add("dependent_objects_block", s, object, "", -1,
          Join("The statement fails with 2BP01 (dependent_objects_still_exist): ",
               object->qualified, " is used by ", Listed(dependants), "."));
    for (const ConstraintFact& fact : facts.constraints) {
      if (fact.kind != ConstraintKind::kForeignKey) continue;
      Object* parent = Resolve(s, fact.references);
      if (parent == nullptr || parent->quiet() || goes(parent->qualified)) continue;
      Add("fk_drop_locks_parent", s, parent, kAccessExclusiveLock, kInstant,
          Join("With ", object->qualified, " its foreign key to ", parent->qualified,
               " goes, and that locks ", parent->qualified, " as well."));
      Take(s, *parent, kAccessExclusiveLock, kInstant);
    }
    Take(s, *object, kAccessExclusiveLock, kInstant);
  }
  for (Object* object : dropped) object->dropped = true;
}

void Checker::Truncate(const Statement& s) {
  List<Text> named;
  for (const ObjectName& item : s.objects)
    if (const Object* object = Resolve(s, item); object != nullptr)
      named.push_back(object->qualified);
  for (const ObjectName& item : s.objects) {
    Object* object = Resolve(s, item);
    if (object == nullptr) continue;
    List<Text> others;
    if (object->facts != nullptr && !object->created)
      for (const Text& child : object->facts->referenced_by)
        if (std::find(named.begin(), named.end(), child) == named.end()) others.push_back(child);
    if (!others.empty() && s.cascade)
      Add("truncate_cascade", s, object, "", -1,
          Join("CASCADE empties every table with a foreign key to ", object->qualified,
               " as well, and so on from there: ", Listed(others), "."));
    else if (!others.empty())
      Add("dependent_objects_block", s, object, "", -1,
          Join("The statement fails with 0A000 (feature_not_supported): ", object->qualified,
               " is referenced by a foreign key of ", Listed(others),
               ", which is not truncated with it."));
    if (object->quiet()) continue;
    Hazard& hazard = Add("truncate_table", s, object, "", -1,
                         Join("All rows of ", object->qualified,
                              " are lost, and no trigger for rows sees them go."));
    hazard.lock = kAccessExclusiveLock;
    hazard.blocks = Blocks::kReadsAndWrites;
    AppendForecast(hazard.explanation, *object, kAccessExclusiveLock, kInstant);
    Take(s, *object, kAccessExclusiveLock, kInstant);
  }
}

}  // namespace assist::check
