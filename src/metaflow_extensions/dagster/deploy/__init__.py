"""What ``create`` leaves in the datastore: code package, registry entry, production token."""
