namespace Swarm.Hub;

/// <summary>A model of which something lies in the cache.</summary>
/// <param name="Name">As people name it: <c>org/name[@revision][:quantization]</c>.</param>
/// <param name="Path">Its file (of several parts the first) or folder; null where not all of it is here.</param>
/// <param name="Repository"><c>org/name</c>.</param>
/// <param name="Commit">Of the revision.</param>
/// <param name="Bytes">Of all its files; null: another program brought some of them, and nobody here knows the rest.</param>
/// <param name="BytesHere">What of it is here.</param>
/// <param name="Files">How many of its files are here, in part or whole.</param>
/// <param name="Family">As its configuration or header says; null: not known.</param>
/// <param name="Quantization">Of a GGUF model, as its name says; null: not known, or safetensors.</param>
public sealed record StoredModel(
    string Name, string? Path, string Repository, string Commit, long? Bytes, long BytesHere, int Files, string? Family, string? Quantization);
