// A disc with a rim that sets it off from whatever is behind, with a soft edge.

uniform vec3 u_rim;
uniform float u_rim_width;  // pixels of this target
uniform float u_opacity;
uniform float u_cutoff;     // alpha below which nothing is drawn

varying vec3 v_colour;
varying float v_diameter;

void main() {
    float inward = 0.5 * v_diameter - length(gl_PointCoord - 0.5) * (v_diameter + 1.0);
    float alpha = u_opacity * clamp(inward + 0.5, 0.0, 1.0);
    if (alpha <= u_cutoff) discard;
    vec3 colour = mix(u_rim, v_colour, clamp(inward - u_rim_width + 0.5, 0.0, 1.0));
    gl_FragColor = vec4(colour * alpha, alpha);
}
