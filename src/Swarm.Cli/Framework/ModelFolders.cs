namespace Swarm.Cli.Framework;

/// <summary>Where models are looked for by name: models/ beside the program, then models/ in each folder above it.</summary>
internal static class ModelFolders
{
    public static IReadOnlyList<string> Find(string programFolder)
    {
        List<string> found = [];
        for (DirectoryInfo? at = new(programFolder); at is not null; at = at.Parent)
        {
            string folder = Path.Combine(at.FullName, "models");
            if (Directory.Exists(folder))
                found.Add(folder);
        }

        return found;
    }
}
