"""COMPOSITION. Puts the rooms together into roles. The only place that knows all of them; holds no logic about mail."""
