"""The only place that imports moto: what we rely on, by name. A contract test fails where a new moto changes it."""
