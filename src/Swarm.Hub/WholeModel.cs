namespace Swarm.Hub;

/// <summary>A model that is whole in the cache.</summary>
/// <param name="Name">As people name it.</param>
/// <param name="Path">Its file, of several parts the first, or its folder.</param>
/// <param name="Commit">Of its snapshot.</param>
/// <param name="Files">All files.</param>
/// <param name="Selection">Which they are.</param>
internal sealed record WholeModel(string Name, string Path, string Commit, IReadOnlyList<RepositoryFile> Files, FileSelection Selection);
