using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Hosting;

/// <summary>How a node comes into a swarm: it founds one, or asks an inviter for its list and the model's manifest.</summary>
internal static class SwarmJoining
{
    /// <summary>Begins a swarm around the node's own model: hashes all its tensors.</summary>
    public static SwarmMembership Found(NodeOptions options, CancellationToken cancellationToken)
    {
        ModelManifest manifest = ModelManifest.Create(options.Source.Tensors, cancellationToken: cancellationToken);
        ModelIdentity identity = ModelIdentity.Compute(options.Source.Config, manifest, options.Kernels.NumericsClass);
        Span<byte> swarm = stackalloc byte[16];
        options.Random.Fill(swarm);
        return new SwarmMembership(ByteString.CopyFrom(swarm), identity, manifest, true, [], null);
    }

    /// <summary>Asks the inviters in turn.</summary>
    /// <exception cref="SwarmException">InvalidInvite, PeerUnreachable, VersionMismatch, ModelMismatch.</exception>
    public static async Task<SwarmMembership> JoinAsync(NodeOptions options, DirectoryClient directory, CancellationToken cancellationToken)
    {
        Invite invite = InviteText.Parse(options.Join!);
        PeerAddress[] addresses = options.Dial is { } dial ? [dial] : [.. invite.Addresses.Select(PeerAddress.Parse)];
        SwarmException? last = null;
        foreach (PeerAddress address in addresses)
        {
            try
            {
                DirectoryList known = await directory.ListAsync(address, cancellationToken);
                if (known.Swarm != invite.Swarm)
                    throw new SwarmException(FaultKind.InvalidInvite, $"{address}: belongs to another swarm than the invite");
                byte[] bytes = await directory.GetManifestAsync(address, known.ModelIdentity, cancellationToken);
                ModelManifest manifest = ModelManifest.Parse(bytes);
                ModelIdentity identity = ModelIdentity.Compute(options.Source.Config, manifest, options.Kernels.NumericsClass);
                string theirs = Convert.ToHexStringLower(known.ModelIdentity.Span);
                if (identity.Hex != theirs)
                {
                    throw new SwarmException(
                        FaultKind.ModelMismatch,
                        $"{options.Source.Name} under {options.Kernels.NumericsClass} would be {identity.Short}, the swarm serves {theirs[..12]}: configuration or numerics class differs");
                }

                return new SwarmMembership(invite.Swarm, identity, manifest, false, addresses, known);
            }
            catch (SwarmException exception) when (exception.Fault is FaultKind.PeerUnreachable)
            {
                last = exception;
            }
        }

        throw last!;
    }
}
