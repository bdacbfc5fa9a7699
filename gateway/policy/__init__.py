"""JUDGEMENT. Policies as typed models, conditions, and the function from evidence to verdict. Pure; knows no check
and no socket."""
