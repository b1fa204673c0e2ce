"""PURE: keepalived.conf as text, tree, expansion, model, findings and plans.

syntax    lossless tree: str(parse(text)) == text, whatever the text
expand    include, @id, $NAME, ~SEQ, ~LST; each expanded statement knows file, line, column
keywords  the one table of words: forms, ranges, defaults, help
model     the resolved, typed, frozen configuration that the engine runs on
build     expanded tree -> model, with diagnostics
lint      traps and mistakes beyond syntax; fixes
plan      what changing from one model to another does, instance by instance
"""
