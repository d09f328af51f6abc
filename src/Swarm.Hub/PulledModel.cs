namespace Swarm.Hub;

/// <summary>A model that is here whole.</summary>
/// <param name="Name">As people name it: <c>org/name:Q4_K_M</c>.</param>
/// <param name="Path">Its GGUF file (of several parts the first), or its folder.</param>
/// <param name="Commit">The revision's commit.</param>
/// <param name="Files">How many files it has.</param>
/// <param name="Bytes">Of all of them.</param>
/// <param name="TransferredBytes">What came now.</param>
/// <param name="Note">What to tell people; null: nothing.</param>
public sealed record PulledModel(string Name, string Path, string Commit, int Files, long Bytes, long TransferredBytes, string? Note);
