"""What people write: YAML to a checked document, to a policy that runs, or to complaints with place and mend."""
