"""THE OFFICE. REST API and pages for people. Changes state only through quarantine, queue and policy actions."""
