using System.Text;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

internal static class TestFiles
{
    /// <summary>Writes a file into a test's folder and returns its path.</summary>
    public static string Write(this TemporaryFolder folder, string name, ReadOnlySpan<byte> bytes)
    {
        string path = folder.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>The same with text in UTF-8.</summary>
    public static string Write(this TemporaryFolder folder, string name, string text) => folder.Write(name, Encoding.UTF8.GetBytes(text));
}
