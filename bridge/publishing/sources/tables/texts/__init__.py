"""What comments, notes, descriptions and keywords say: whatever bears on values is understood, or refused."""
