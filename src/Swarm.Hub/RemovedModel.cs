namespace Swarm.Hub;

/// <summary>What was removed from the cache.</summary>
/// <param name="Name">As people name it.</param>
/// <param name="Commit">Of the revision.</param>
/// <param name="Files">Files of the model that are gone.</param>
/// <param name="Bytes">Room on the disk that is free again; contents that another revision has as well stay.</param>
public sealed record RemovedModel(string Name, string Commit, int Files, long Bytes);
