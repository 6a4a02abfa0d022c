mod zoo;
