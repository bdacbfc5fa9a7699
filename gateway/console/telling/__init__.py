"""What is shown, as words and figures: rows, stories, the chart, the search language. Pure."""
