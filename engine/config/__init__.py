"""PURE: keepalived.conf as text, tree, expansion, model, findings and plans.

Reading goes down this list, `build.load` is the entrance:

syntax     lossless tree: str(parse(text)) == text, whatever the text
expand     include, @id, $NAME, ~SEQ, ~LST; each expanded statement knows file, line, column
keywords   the one table of words (keywords.tsv): forms, ranges, defaults, help
structure  which statement stands in which block, braces counted as keepalived counts them
check      arguments held against the table; values reads single words
build      statements -> model: globals, instances, tracks, addresses, routes, rules, servers
resolve    defaults, inheritance, keywords that work against each other
model      the resolved, typed, frozen configuration that the engine runs on
findings   every diagnostic of reading, one row each
lvs        virtual servers and their checkers (lvs_*, model_lvs), made only when asked: nothing here runs them

collector  the garbage collector rests while something large is read
files      what reading asks of the disk, as callables
lint       traps and mistakes beyond syntax (lint_*), fixes (fix), reports (report)
fmt        one layout for a file, its meaning kept
plan       what changing from one model to another does, instance by instance
"""
