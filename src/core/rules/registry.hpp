// The descriptors that registry.cpp lists, one per file of this directory.
#pragma once

#include "assist/rule.hpp"

namespace assist::rules {

extern const RuleDescriptor kAnyArrayIgnoresGin;
extern const RuleDescriptor kDuplicateIndex;
extern const RuleDescriptor kIlikeNoIndex;
extern const RuleDescriptor kIndexBloat;
extern const RuleDescriptor kIneffectiveIndex;
extern const RuleDescriptor kInvalidIndex;
extern const RuleDescriptor kLeadingWildcardLike;
extern const RuleDescriptor kMaxWalSize;
extern const RuleDescriptor kMissingIndex;
extern const RuleDescriptor kRedundantIndex;
extern const RuleDescriptor kTableBloat;
extern const RuleDescriptor kUnanchoredRegex;
extern const RuleDescriptor kUnusedIndex;
extern const RuleDescriptor kWorkMem;

}  // namespace assist::rules
