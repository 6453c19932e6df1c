// The Gaussian's alpha at this pixel, premultiplied for back-to-front "over" blending.

varying vec2 v_offset;
varying vec4 v_colour;

void main() {
    float alpha = min(0.99, v_colour.a * exp(-0.5 * dot(v_offset, v_offset)));
    if (alpha < 1.0 / 255.0) discard;
    gl_FragColor = vec4(v_colour.rgb * alpha, alpha);
}
