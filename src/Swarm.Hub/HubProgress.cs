namespace Swarm.Hub;

/// <summary>How far bringing a model's files has come.</summary>
/// <param name="File">The file that just came a step further.</param>
/// <param name="FileBytes">Bytes of it that are here.</param>
/// <param name="FileOf">Bytes that it has.</param>
/// <param name="Transferred">Bytes that came in this run.</param>
/// <param name="Of">Bytes that have to come in this run.</param>
public readonly record struct HubProgress(string File, long FileBytes, long FileOf, long Transferred, long Of);
