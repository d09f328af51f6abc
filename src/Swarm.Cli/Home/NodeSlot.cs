using System.Globalization;
using Swarm.Cli.Framework;
using Swarm.Protocol;

namespace Swarm.Cli.Home;

/// <summary>
/// The place of one running node in a home: its key, its control socket, and the lock that keeps a second process from being the same peer. The first node
/// that runs takes <c>node</c>, one beside it <c>node-2</c>, and so on; each keeps its key from run to run.
/// </summary>
internal sealed class NodeSlot : IDisposable
{
    /// <summary>Most nodes of one home at a time.</summary>
    private const int MostSlots = 64;

    private readonly FileLock _lock;

    private NodeSlot(string folder, FileLock taken)
    {
        Folder = folder;
        _lock = taken;
    }

    public string Folder { get; }

    private string KeyPath => Path.Combine(Folder, "key.pem");

    /// <summary>The folders of all slots that have been used.</summary>
    public static IEnumerable<string> Folders(HomeFolder home) => Enumerable.Range(1, MostSlots).Select(number => FolderOf(home, number)).Where(Directory.Exists);

    /// <summary>Takes the first free slot; others cannot until it is disposed or this process ends.</summary>
    /// <exception cref="CommandException">HomeFull.</exception>
    public static NodeSlot Take(HomeFolder home)
    {
        for (int number = 1; number <= MostSlots; number++)
        {
            string folder = FolderOf(home, number);
            if (FileLock.TryTake(Path.Combine(folder, "lock")) is { } taken)
                return new NodeSlot(folder, taken);
        }

        throw new CommandException("HomeFull", $"{home.Path}: {MostSlots} nodes of this home run already; --home names another");
    }

    /// <summary>The slot's key; made at the first call.</summary>
    /// <exception cref="CommandException">OpenFile, CorruptHome: the file is named.</exception>
    public PeerKey OpenKey() => KeyFile.Open(KeyPath);

    public void Dispose() => _lock.Dispose();

    private static string FolderOf(HomeFolder home, int number) =>
        Path.Combine(home.Path, number == 1 ? "node" : "node-" + number.ToString(CultureInfo.InvariantCulture));
}
