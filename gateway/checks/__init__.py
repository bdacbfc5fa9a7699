"""SENSES. Each check asks the world one question and answers with an Outcome. Never raises, decides, or logs
content."""
