"""The console: `hatui`, its subcommands and the lab. It keeps a copy of what the engine says and decides nothing.

cli       `hatui` and its subcommands            app       the Textual app: modes, theme, keymap, perform(command)
link      EngineLink, ReplayLink: the engine's words and the console's clock
store     PURE: last status per key, ring of events
keys      one table: bindings, footer, help, palette
text      PURE: figures and sentences as people read them
theming   themes/*.toml                          screens/, widgets/
lab       hosts in network namespaces: `hatui demo`, tests, rehearsals
"""
