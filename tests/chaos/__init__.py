"""Chaos: everything between the bot and a site fails at random moments while changes go on, and nothing is lost."""
