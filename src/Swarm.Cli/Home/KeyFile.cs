using Swarm.Cli.Framework;
using Swarm.Protocol;

namespace Swarm.Cli.Home;

/// <summary>A key that a home keeps from run to run.</summary>
internal static class KeyFile
{
    /// <summary>The key of a file; made at the first call. The caller disposes it.</summary>
    /// <exception cref="CommandException">OpenFile, CorruptHome: the file is named.</exception>
    public static PeerKey Open(string path)
    {
        PrivateFiles.CheckClosed(path);
        if (PrivateFiles.TryReadText(path, PeerKey.MaxPemLength) is not { } pem)
        {
            PeerKey created = PeerKey.Create();
            PrivateFiles.WriteText(path, created.ToPem().Trim());
            return created;
        }

        try
        {
            return PeerKey.FromPem(pem);
        }
        catch (FormatException exception)
        {
            throw PrivateFiles.Corrupt(path, exception.Message, exception);
        }
    }

    /// <summary>
    /// Who this home's clients are in a swarm: one for each swarm, so that nodes find what the same person's earlier sessions left there, and nobody can tell who is the same in two swarms.
    /// A fresh one where the home cannot be written.
    /// </summary>
    /// <exception cref="CommandException">OpenFile, CorruptHome: the file is named.</exception>
    public static PeerKey OpenClient(HomeFolder home, SwarmId swarm)
    {
        try
        {
            return Open(Path.Combine(home.Path, "clients", $"{swarm}.pem"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return PeerKey.Create();
        }
    }
}
