"""Immutable nouns: rulesets, tables, chains, rules, and the matches and targets that rules are made of."""
