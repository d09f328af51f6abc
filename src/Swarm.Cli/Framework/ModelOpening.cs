using Swarm.Models;

namespace Swarm.Cli.Framework;

/// <summary>Opens models as the shared flags say: files, kernels, in this process or in a swarm.</summary>
internal static class ModelOpening
{
    /// <summary>The files of the model that --model names.</summary>
    /// <exception cref="ModelException">ModelNotFound, CorruptModel, UnsupportedModel.</exception>
    public static ModelSource OpenModel(this CommandContext context) =>
        ModelSource.Open(context.Get(CommonSettings.Model), ModelFolders.Find(AppContext.BaseDirectory));
}
