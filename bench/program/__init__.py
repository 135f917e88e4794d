"""The program whose keys are measured: as many as the environment says, all alike."""
