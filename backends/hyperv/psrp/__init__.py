"""PowerShell remoting over pypsrp: warm shells, a hard deadline for every call, and no change sent twice."""
