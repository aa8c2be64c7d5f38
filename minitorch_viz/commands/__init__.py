"""The commands of the command line, one file each: its arguments, its manual and the function that runs it.

The folder is the registry: `commands()` collects every file that has a `COMMAND`, and makes one command of each
technique. A new command is one new file.
"""

from minitorch_viz.commands.base import Command, commands

__all__ = ["Command", "commands"]
