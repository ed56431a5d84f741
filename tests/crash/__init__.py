"""The crash test: the bot is killed at every boundary and in the middle of every action, and started again."""
