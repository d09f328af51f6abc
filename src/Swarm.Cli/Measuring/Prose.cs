namespace Swarm.Cli.Measuring;

/// <summary>Prose that comes with the program: beginnings of books that are in the public domain.</summary>
internal static class Prose
{
    public static string Text
    {
        get
        {
            using Stream stream = typeof(Prose).Assembly.GetManifestResourceStream("Prose.txt")!;
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
