-- TURN credentials that were paid for from a day's budgets.
ALTER TABLE budgets ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE budget_prefixes ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
