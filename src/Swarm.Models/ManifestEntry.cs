namespace Swarm.Models;

/// <summary>What a manifest says of one tensor.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Shape">The outermost dimension first.</param>
/// <param name="StoredType">The file's word for its type.</param>
/// <param name="Sha256">32 bytes: of its stored bytes.</param>
public sealed record ManifestEntry(string Name, IReadOnlyList<long> Shape, string StoredType, ReadOnlyMemory<byte> Sha256);
