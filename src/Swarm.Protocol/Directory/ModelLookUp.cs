using Swarm.Protocol.Dht;

namespace Swarm.Protocol.Directory;

/// <summary>Which models a swarm serves, and their manifests.</summary>
public sealed class ModelLookUp(SwarmId swarm, IRecordNetwork network, DirectoryClient client)
{
    /// <summary>What the nodes of the swarm say they serve: most nodes first, then by identity.</summary>
    public async Task<IReadOnlyList<ModelEntry>> FindAsync(CancellationToken cancellationToken)
    {
        FindOutcome outcome = await network.FindAsync(DirectoryKeys.Models(swarm), cancellationToken);
        var models = new SortedDictionary<string, ModelEntry>(StringComparer.Ordinal);
        foreach (FoundRecord found in outcome.Records)
        {
            if (DirectoryRecordPolicy.Read(found.Record)?.Model is not { } model || AnnouncementRules.Check(model) is not null)
                continue;
            string key = Convert.ToHexStringLower(model.ModelIdentity.Span);
            ModelEntry entry = models.TryGetValue(key, out ModelEntry? known)
                ? known with { Nodes = known.Nodes + 1 }
                : new ModelEntry(model.ModelIdentity, model.Name, (int)model.Blocks, model.ConfigHash, 1, model.Weights);
            models[key] = model.DescriptionHash.IsEmpty
                ? entry
                : entry with { DescriptionHashes = entry.DescriptionHashes.Add(Convert.ToHexStringLower(model.DescriptionHash.Span)) };
        }

        return [.. models.Values.OrderByDescending(model => model.Nodes)];
    }

    /// <summary>The manifest of the directory's model from the first node that gives it; the caller checks it against the identity. Null when none does.</summary>
    public async Task<byte[]?> GetManifestAsync(SwarmDirectory directory, CancellationToken cancellationToken)
    {
        foreach (NodeEntry node in directory.Snapshot.Nodes)
        {
            try
            {
                return await client.GetManifestAsync(node.Endpoint, directory.ModelIdentity, cancellationToken);
            }
            catch (SwarmException exception)
            {
                directory.ReportFailure(node.Peer, exception.Fault);
            }
        }

        return null;
    }
}
