// Other names: what is right for the database and wrong for the code that runs at that moment.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckRename(const Statement& s) {
  if (s.kind == StatementKind::kRenameEnumValue) {
    Text literal;
    text::AppendLiteral(literal, s.column);
    Hazard& hazard = Add("rename_enum_value", s, nullptr, "", -1,
                         Join("Statements that still write ", literal,
                              " fail, and those that compare with it, too."));
    text::AppendQualified(hazard.object, s.objects[0].schema, s.objects[0].name);
    return;
  }
  if (s.kind == StatementKind::kRename && s.object_type == ObjectType::kSchema) {
    const bool made = std::any_of(script_.begin(), script_.end(), [&](const Statement& other) {
      return other.kind == StatementKind::kCreateSchema && !s.objects.empty() &&
             other.name == s.objects[0].name && other.number < s.number;
    });
    if (made || s.objects.empty()) return;
    Hazard& hazard = Add(
        "rename_schema", s, nullptr, "", -1,
        "Every statement, function and search_path that names it fails, or finds other relations.");
    hazard.object = Quoted(s.objects[0].name);
    return;
  }
  const bool relation = s.object_type == ObjectType::kTable || s.object_type == ObjectType::kView ||
                        s.object_type == ObjectType::kMaterializedView ||
                        s.object_type == ObjectType::kSequence ||
                        s.object_type == ObjectType::kIndex;
  Object* object = relation ? Target(s) : nullptr;
  if (object == nullptr) return;
  const bool ours = object->created || object->facts == nullptr || object->facts->temporary;
  if (!s.column.empty()) {
    if (object->added_columns.erase(s.column) == 0 && !ours && HasColumn(*object, s.column)) {
      Add("rename_column", s, object, kAccessExclusiveLock, kInstant,
          Join("At the moment of the commit every statement of an application that says ",
               Quoted(s.column), " fails, and before it every one that says ", Quoted(s.name),
               ". A new column beside it, kept equal by a trigger, lets both work for a while."));
      Take(s, *object, kAccessExclusiveLock, kInstant);
    }
    object->added_columns.insert(s.name);
    return;
  }
  const bool index =
      object->facts != nullptr && (object->facts->kind == 'i' || object->facts->kind == 'I');
  const bool moves = s.kind == StatementKind::kSetSchema;
  if (!ours && !index) {
    // A view of the old name in the same transaction, so that nobody sees the moment between.
    bool view = false;
    for (const Statement& other : script_) {
      if (other.number <= s.number || !in_transaction_) continue;
      if (other.kind == StatementKind::kCommit || other.kind == StatementKind::kRollback) break;
      if (other.kind != StatementKind::kCreateView && other.kind != StatementKind::kCreateTable) {
        if (other.kind == StatementKind::kRename && other.name == object->name)
          view = true;  // another takes its place
        continue;
      }
      if (!other.objects.empty() && other.objects[0].name == object->name) view = true;
    }
    if (!view) {
      Hazard& hazard =
          Add(moves ? "move_schema" : "rename_table", s, object, kAccessExclusiveLock, kInstant,
              Join("At the moment of the commit every statement that says ", object->qualified,
                   moves ? " fails, unless its search_path has the new schema."
                         : " fails, and before it every one that says the new name."));
      const bool table =
          object->facts->kind == 'r' || object->facts->kind == 'p' || object->facts->kind == 'v';
      if (table) {
        Text fresh;
        text::AppendQualified(fresh, moves ? s.name : object->schema,
                              moves ? object->name : s.name);
        const std::string_view kind = object->facts->kind == 'v' ? "VIEW" : "TABLE";
        hazard.safe =
            Join("BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER ", kind, " ", object->qualified,
                 moves ? " SET SCHEMA " : " RENAME TO ", Quoted(s.name), ";\nCREATE VIEW ",
                 object->qualified, " AS SELECT * FROM ", fresh, ";\nCOMMIT;\n");
        Say(hazard.explanation,
            "A view of the old name keeps both working until nobody says it any more.");
      }
    }
    Take(s, *object, kAccessExclusiveLock, kInstant);
  }
  // The object goes on under its new name.
  Object moved = *object;
  object->dropped = true;
  if (moves)
    moved.schema = s.name;
  else
    moved.name = s.name;
  moved.qualified.clear();
  text::AppendQualified(moved.qualified, moved.schema, moved.name);
  objects_[std::pair(moved.schema, moved.name)] = std::move(moved);
}

}  // namespace assist::check
