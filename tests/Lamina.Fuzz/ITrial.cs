namespace Lamina.Fuzz;

/// <summary>What is done with each changed image.</summary>
internal interface ITrial
{
    /// <summary>Where extracted trees are, until somebody removes them.</summary>
    string Trees { get; }

    /// <summary>Tries an image.</summary>
    TrialResult Try(Mutation mutation, Random dice);
}
